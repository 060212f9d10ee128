export { pool } from "./good.mjs";
