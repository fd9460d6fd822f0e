export { drawScenario } from './draw-scenario.ts';
export { applyPreset } from './presets.ts';
export type { FaultKind, Scenario } from './scenario.ts';
export { faultKinds } from './scenario.ts';
export type { SimulationOptions, SimulationReport } from './simulate.ts';
export { simulate } from './simulate.ts';
