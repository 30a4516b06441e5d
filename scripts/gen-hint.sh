#!/bin/sh
# Prints a hint to write a migration if a generated table definition has changed since the last commit, but no migration
# has changed or been added.
set -eu
tables=$(git status --porcelain -- ':(glob)ent/*/migrate/schema.go')
if [ -n "$tables" ] && [ -z "$(git status --porcelain -- ':(glob)atlas/*/*.sql')" ]; then
	echo 'A table has changed. Write its migration with: make migrate-diff NAME=what_changes'
fi
