ALTER TABLE `accounts` ADD `email_verified_at` integer;--> statement-breakpoint
UPDATE `accounts` SET `email_verified_at` = (
  SELECT min(`i`.`created_at`) FROM `identities` `i`
  WHERE `i`.`user_id` = `accounts`.`id` AND `i`.`email_verified` = 1 AND lower(`i`.`email`) = `accounts`.`email_key`
);
