/** This program again: the compiled binary is its own runtime, from source Bun needs the entry. */
export function selfCommand(): string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/") || /^[A-Z]:[\\/]~BUN/.test(Bun.main);
  return isCompiled ? [process.execPath] : [process.execPath, Bun.main];
}
