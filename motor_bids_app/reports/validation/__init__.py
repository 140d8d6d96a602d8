"""Pages of models judged on people of elsewhere."""
