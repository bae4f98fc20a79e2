/** The program of a thread that makes backups, as main.ts is for the server's. */
import { answerBackups } from "../../backup_worker.ts";

answerBackups(() => Date.now());
