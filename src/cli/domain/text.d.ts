/** A program in another language, carried along as text. */
declare module "*.py" {
  const text: string;
  export default text;
}
