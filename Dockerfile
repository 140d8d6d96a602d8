# What runs is what the lock files say, with their hashes. See docs/container.md.
#   docker build -t motor_bids_app .                                     PyTorch as the usual index has it
#   docker build --build-arg PIP_EXTRA_INDEX_URL=... -t motor_bids_app . the small build, without CUDA
#   docker build --target cuda -t motor_bids_app:cuda .                  fails unless PyTorch is for CUDA
# BASE takes a digest: the one that was pulled last is shown by `docker image inspect`.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS python
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-minimal libpython3-stdlib ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/*

FROM python AS builder
ARG PIP_EXTRA_INDEX_URL=""
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv binutils \
    && python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_COMPILE=1
WORKDIR /build
COPY requirements.lock requirements-gpu.lock ./
COPY tools/install.py tools/
RUN python3 tools/install.py --dependencies
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY motor_bids_app motor_bids_app
RUN python3 tools/install.py && python3 -m pip uninstall --quiet --yes pip
COPY tools/slim.py tools/sbom.py tools/
COPY --from=python /var/lib/dpkg/status ./
RUN python3 tools/slim.py && python3 tools/sbom.py status > sbom.cdx.json \
    && python3 -c "import motor_bids_app; print(motor_bids_app.__version__)" > version

FROM python AS app
ARG VERSION=""
ARG REVISION=""
ARG SOURCE=""
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /build/version /build/sbom.cdx.json /
COPY LICENSE NOTICE /licenses/
# HOME may be unwritable and the root read-only: see there.
COPY tools/entrypoint /usr/local/bin/motor_bids_app
COPY tools/entrypoint /usr/local/bin/motor_bids_simulate
COPY tools/entrypoint /usr/local/bin/motor_bids_convert
ENV PATH=/usr/local/bin:/opt/venv/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.title="motor_bids_app" \
      org.opencontainers.image.description="BIDS App that predicts motor impairment after stroke" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
ENTRYPOINT ["motor_bids_app"]

# For clusters that hand a GPU to every container that asks for one; `--gpus all` needs neither.
FROM app AS cuda
RUN /opt/venv/bin/python3 -c "import torch; assert torch.version.cuda, 'PyTorch of the index is for CPUs'"
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM app
