# Serves a model that exists: the core and the extra "serve", onnxruntime, no torch.
#
#   docker build -t segue .
#   docker run -p 127.0.0.1:8765:8765 -v "$PWD/model:/models/model:ro" -v segue-data:/data segue
#
# tests/test_container.py runs the steps below, word for word, in a clean virtual environment.
FROM python:3.12-slim AS wheel
WORKDIR /src
RUN pip install --no-cache-dir build
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src ./src
RUN python -m build --wheel --outdir /wheel .

FROM python:3.12-slim
COPY constraints.txt /tmp/constraints.txt
COPY --from=wheel /wheel /wheel
RUN pip install --no-cache-dir -c /tmp/constraints.txt "$(ls /wheel/*.whl)[serve]" \
    && rm -r /wheel /tmp/constraints.txt \
    && useradd --system --uid 10001 --home-dir /data segue \
    && install -d -o segue -g segue /data
USER segue
# models are read alone; what the service writes goes to /data
WORKDIR /models
VOLUME /data
ENV OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
# a container's own address is reached through the port that its host publishes, so the keys are the host's affair:
# the example above publishes it to this machine alone; to publish it further, add --keys
CMD ["segue", "serve", "--data", "/data", "--host", "0.0.0.0", "--port", "8765", "--open-to-all"]
