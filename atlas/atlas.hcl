// For the Atlas CLI, which is not needed: `loyalty migrate` applies these folders and keeps its revisions where the CLI
// looks for them. Run it beside this file: atlas migrate status --env users --var url=postgres://…

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
