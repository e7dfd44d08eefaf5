/** As Vite gives the address of a worker's script (`vite/client` has the same, with much that tests have not). */
declare module '*?worker&url' {
  const address: string;
  export default address;
}
