export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/** The median, and between what the values lie. */
export function spread(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(2)} (${least.toFixed(2)}..${most.toFixed(2)})`;
}

export function perSecondText(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

export function report(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(44)} ${value}\n`);
}
