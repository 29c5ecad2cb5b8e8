"""What people read about jobs: one view of a job (`job_view.py`), and reports made of views."""
