declare module '*.css';
/** Files that the bundler turns into addresses. */
declare module '*?url' {
  const address: string;
  export default address;
}
