"""The validate level: model bundles judged on people of elsewhere whose scores are known."""
