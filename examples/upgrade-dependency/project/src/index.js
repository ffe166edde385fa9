// When the next ship can leave.
import { highWater } from "tidetable";

export const leaves = (harbour, now) => highWater(harbour).find((time) => time > now);
