# CPU:  docker build -t hrnet_ext .
# CUDA: docker build -t hrnet_ext --build-arg BASE=nvidia/cuda:12.8.1-runtime-ubuntu24.04 .
# Then: docker run --rm -it [--gpus all] hrnet_ext                  runs the quick start
ARG BASE=ubuntu:24.04
FROM ${BASE}

# python3-venv for the environment; libgl1 and libglib2.0-0 for OpenCV.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /hrnet_ext
COPY . .
RUN bash tools/setup_env.sh
ENV PATH="/hrnet_ext/.venv/bin:$PATH"
CMD ["bash", "tools/quickstart.sh"]
