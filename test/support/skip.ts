/** How a suite says what this machine lacks; the programs of hosts/ say it the same way. */
export * from "../../hosts/lacks.js";
