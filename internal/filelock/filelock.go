// Package filelock lets one process at a time own what a file stands for.
package filelock
