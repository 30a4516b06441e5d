-- Modify "promotions" table
ALTER TABLE "promotions" ADD CONSTRAINT "promotions_inactive_as_known" CHECK (inactive_as = ANY (ARRAY['DRAFT'::text, 'PAUSED'::text, 'ARCHIVED'::text])), ADD COLUMN "inactive_as" text NOT NULL DEFAULT 'PAUSED';
