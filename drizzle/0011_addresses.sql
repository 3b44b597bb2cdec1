ALTER TABLE `accounts` ADD `mail_refused_at` integer;--> statement-breakpoint
ALTER TABLE `codes` ADD `address` text;--> statement-breakpoint
CREATE INDEX `codes_held` ON `codes` (`email`) WHERE kind = 'email_restore';