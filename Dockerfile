# One stage on a plain Debian: what runs is what the lock file says.
# Outside of a machine with its own wheel of CPU PyTorch, pass the index that has one:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=... -t motor_bids_app .
FROM debian:bookworm-slim

ARG PIP_EXTRA_INDEX_URL=""

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/venv

# HOME may be unwritable and the root read-only: nothing is cached there.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

COPY requirements.lock /opt/motor_bids_app/
RUN pip install --no-cache-dir --no-deps -r /opt/motor_bids_app/requirements.lock

COPY pyproject.toml README.md LICENSE /opt/motor_bids_app/
COPY motor_bids_app /opt/motor_bids_app/motor_bids_app
RUN pip install --no-cache-dir --no-deps /opt/motor_bids_app

LABEL org.opencontainers.image.title="motor_bids_app" \
      org.opencontainers.image.licenses="Apache-2.0"

ENTRYPOINT ["motor_bids_app"]
