"""From a user's annotations to a config that trains: mirror pairs, split, audit, config."""
