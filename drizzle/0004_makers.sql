ALTER TABLE `codes` ADD `by_session_id` text;--> statement-breakpoint
CREATE INDEX `codes_user` ON `codes` (`user_id`);--> statement-breakpoint
CREATE INDEX `codes_by_user` ON `codes` (`by_user_id`);--> statement-breakpoint
ALTER TABLE `identities` ADD `linked_in` text;