/** The package names no entry for modules; this file of it is one, and has the same types. */
declare module '@xterm/headless/lib-headless/xterm-headless.mjs' {
  export * from '@xterm/headless';
}
