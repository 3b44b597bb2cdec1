DELETE FROM `sessions` WHERE `access_ms` IS NOT NULL;--> statement-breakpoint
ALTER TABLE `sessions` DROP COLUMN `settle_ms`;--> statement-breakpoint
ALTER TABLE `sessions` DROP COLUMN `late_ms`;--> statement-breakpoint
ALTER TABLE `sessions` DROP COLUMN `access_ms`;
