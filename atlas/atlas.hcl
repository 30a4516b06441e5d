// Configuration of the Atlas CLI, which is optional: `loyalty migrate` applies the same folders and records revisions in the
// CLI's format. Run it in this folder: atlas migrate status --env users --var url=postgres://…

variable "url" {
  type        = string
  description = "The URL of the database."
  default     = ""
}

variable "dev_url" {
  type        = string
  description = "The URL of an empty database in which the CLI replays the migrations."
  default     = ""
}

env {
  name = atlas.env
  url  = var.url
  dev  = var.dev_url

  migration {
    dir              = "file://${atlas.env}"
    revisions_schema = "public"
  }
}
