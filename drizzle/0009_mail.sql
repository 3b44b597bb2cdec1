CREATE TABLE `mails` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`user_id` text,
	`address` text NOT NULL,
	`address_key` text NOT NULL,
	`language` text,
	`sealed` text,
	`code_hash` text,
	`by_user_id` text,
	`user_agent` text,
	`network` text,
	`created_at` integer NOT NULL,
	`next_at` integer NOT NULL,
	`attempts` integer NOT NULL,
	`doubts` integer NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`outcome` text,
	FOREIGN KEY (`user_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `mails_address` ON `mails` (`address_key`,`kind`,`created_at`);--> statement-breakpoint
CREATE INDEX `mails_user` ON `mails` (`user_id`);--> statement-breakpoint
CREATE INDEX `mails_due` ON `mails` (`next_at`) WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX `mails_ended` ON `mails` (`ended_at`) WHERE ended_at is not null;--> statement-breakpoint
ALTER TABLE `accounts` ADD `language` text;