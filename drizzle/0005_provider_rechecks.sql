ALTER TABLE `provider_grants` ADD `id_token_alg` text;--> statement-breakpoint
ALTER TABLE `provider_grants` ADD `recheck_at` integer;--> statement-breakpoint
CREATE INDEX `provider_grants_recheck` ON `provider_grants` (`recheck_at`) WHERE recheck_at is not null and ended_at is null;