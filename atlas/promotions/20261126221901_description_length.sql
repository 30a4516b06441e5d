-- Modify "promotions" table
ALTER TABLE "promotions" ADD CONSTRAINT "promotions_description_length" CHECK (char_length(description) <= 2000);
