export type { HistoryEntry, ReadOperation, WriteOperation } from './history.ts';
export { checkRegisters } from './register-check.ts';
export type { FaultKind, Scenario } from './scenario.ts';
export { applyPreset, drawScenario, faultKinds } from './scenario.ts';
export type { SimulationOptions, SimulationReport } from './simulate.ts';
export { simulate } from './simulate.ts';
