CREATE TABLE `accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`email_key` text NOT NULL,
	`name` text NOT NULL,
	`roles` text NOT NULL,
	`password_sealed` text,
	`password_changed_at` integer,
	`created_at` integer NOT NULL,
	`disabled_at` integer
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_emailKey_unique` ON `accounts` (`email_key`);--> statement-breakpoint
CREATE TABLE `codes` (
	`id` text PRIMARY KEY NOT NULL,
	`code_hash` text NOT NULL,
	`kind` text NOT NULL,
	`user_id` text,
	`email` text,
	`roles` text NOT NULL,
	`by_user_id` text,
	`created_at` integer NOT NULL,
	`ends_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `codes_codeHash_unique` ON `codes` (`code_hash`);--> statement-breakpoint
CREATE INDEX `codes_ends` ON `codes` (`ends_at`);--> statement-breakpoint
CREATE TABLE `events` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`kind` text NOT NULL,
	`user_id` text NOT NULL,
	`by_user_id` text,
	`session_id` text,
	`reason` text,
	`user_agent` text,
	`network` text,
	FOREIGN KEY (`user_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `events_user` ON `events` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `events_at` ON `events` (`at`);--> statement-breakpoint
CREATE TABLE `meta` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `sessions` (
	`sid_hash` text PRIMARY KEY NOT NULL,
	`public_id` text NOT NULL,
	`secret` blob NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`auth_time` integer NOT NULL,
	`amr` text NOT NULL,
	`remember` integer NOT NULL,
	`idle_ms` integer NOT NULL,
	`tag_key_id` text NOT NULL,
	`bound_key` text,
	`generation` integer NOT NULL,
	`proven` integer NOT NULL,
	`proven_at` integer NOT NULL,
	`rotated_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`absolute_ends_at` integer NOT NULL,
	`ended_at` integer,
	`end_reason` text,
	`user_agent` text NOT NULL,
	`network` text NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_publicId_unique` ON `sessions` (`public_id`);--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`,`ended_at`);--> statement-breakpoint
CREATE INDEX `sessions_ended` ON `sessions` (`ended_at`) WHERE ended_at is not null;--> statement-breakpoint
CREATE TABLE `throttles` (
	`key` text PRIMARY KEY NOT NULL,
	`failures` integer NOT NULL,
	`last_failure_at` integer NOT NULL,
	`next_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `throttles_last` ON `throttles` (`last_failure_at`);