CREATE INDEX `accounts_created` ON `accounts` (`created_at`);--> statement-breakpoint
CREATE INDEX `events_user_kind` ON `events` (`user_id`,`kind`,`id`);--> statement-breakpoint
CREATE TRIGGER `events_bound` AFTER INSERT ON `events` BEGIN
  DELETE FROM `events` WHERE `id` = (SELECT `id` FROM `events` WHERE `user_id` = NEW.`user_id` AND `kind` = NEW.`kind` ORDER BY `id` DESC LIMIT 1 OFFSET 200);
END;
