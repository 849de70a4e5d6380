"""The page that `unpaired web` serves: a view of run folders and of one queue of jobs. See `application.make_app`."""
