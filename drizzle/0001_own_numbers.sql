ALTER TABLE `sessions` ADD `settle_ms` integer;--> statement-breakpoint
ALTER TABLE `sessions` ADD `late_ms` integer;--> statement-breakpoint
ALTER TABLE `sessions` ADD `access_ms` integer;