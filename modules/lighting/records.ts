import type { Store } from "../store/store.js";

/** What lighting needs of modules/store: small durable records. */
export type Records = Pick<Store, "get" | "put" | "delete" | "keys">;
