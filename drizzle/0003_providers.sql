CREATE TABLE `identities` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`provider` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`email` text,
	`email_verified` integer NOT NULL,
	`label` text NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `identities_subject` ON `identities` (`issuer`,`subject`);--> statement-breakpoint
CREATE INDEX `identities_user` ON `identities` (`user_id`);--> statement-breakpoint
CREATE TABLE `provider_grants` (
	`id` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`user_id` text NOT NULL,
	`provider` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`provider_sid` text,
	`birth` text NOT NULL,
	`sealed` text,
	`access_ends_at` integer,
	`refreshing_at` integer,
	`refreshes` integer NOT NULL,
	`created_at` integer NOT NULL,
	`ended_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `provider_grants_session` ON `provider_grants` (`session_id`,`provider`) WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX `provider_grants_any_session` ON `provider_grants` (`session_id`);--> statement-breakpoint
CREATE INDEX `provider_grants_sid` ON `provider_grants` (`issuer`,`provider_sid`);--> statement-breakpoint
CREATE INDEX `provider_grants_subject` ON `provider_grants` (`issuer`,`subject`);--> statement-breakpoint
CREATE INDEX `provider_grants_ended` ON `provider_grants` (`ended_at`) WHERE ended_at is not null;--> statement-breakpoint
CREATE TABLE `single_uses` (
	`key` text PRIMARY KEY NOT NULL,
	`ends_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `single_uses_ends` ON `single_uses` (`ends_at`);--> statement-breakpoint
PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text,
	`email_key` text,
	`name` text NOT NULL,
	`roles` text NOT NULL,
	`password_sealed` text,
	`password_changed_at` integer,
	`created_at` integer NOT NULL,
	`disabled_at` integer
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_accounts`("id", "email", "email_key", "name", "roles", "password_sealed", "password_changed_at", "created_at", "disabled_at") SELECT "id", "email", "email_key", "name", "roles", "password_sealed", "password_changed_at", "created_at", "disabled_at" FROM `accounts`;--> statement-breakpoint
DROP TABLE `accounts`;--> statement-breakpoint
ALTER TABLE `__new_accounts` RENAME TO `accounts`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_emailKey_unique` ON `accounts` (`email_key`);