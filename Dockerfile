# What runs is what the lock files say, with their hashes.
# For a small image without CUDA pass PyTorch's index of CPU builds (docs/installation.md):
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

COPY requirements.lock requirements-gpu.lock /opt/motor_bids_app/
COPY tools/install.py /opt/motor_bids_app/tools/install.py
RUN PIP_NO_CACHE_DIR=1 python3 /opt/motor_bids_app/tools/install.py --dependencies

COPY pyproject.toml README.md LICENSE /opt/motor_bids_app/
COPY motor_bids_app /opt/motor_bids_app/motor_bids_app
# What the imports at its end leave in /tmp would belong to root, and users are others.
RUN PIP_NO_CACHE_DIR=1 python3 /opt/motor_bids_app/tools/install.py && rm -rf /tmp/*

LABEL org.opencontainers.image.title="motor_bids_app" \
      org.opencontainers.image.licenses="Apache-2.0"

ENTRYPOINT ["motor_bids_app"]
