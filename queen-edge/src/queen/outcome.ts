export { endingOf, failed, lastEventOf } from "@rbee/job-core";
