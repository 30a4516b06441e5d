// Removes folders of compiled files, so that files whose source is gone do not stay.
import { rmSync } from "node:fs";

for (const folder of process.argv.slice(2)) {
  rmSync(folder, { recursive: true, force: true });
}
