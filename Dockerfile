# One image for every part: the four servers, ingest and the bot. compose.yaml says which command each runs.
FROM python:3.12-slim AS build
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /build
COPY requirements.lock ./
COPY core core
COPY slackapi slackapi
COPY servers servers
COPY ingest ingest
COPY orchestrator orchestrator
# The lock holds versions and hashes for everything; as a constraint it pins what the product needs and adds no more.
RUN uv venv /opt/rookery && VIRTUAL_ENV=/opt/rookery uv pip install --no-cache --no-sources -c requirements.lock \
    "./core[otel]" ./slackapi ./servers/slack ./servers/docs ./servers/github ./servers/memory ./ingest ./orchestrator

FROM python:3.12-slim
# git reads guides from repositories, and working copies as sources of documentation.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 rookery
COPY --from=build /opt/rookery /opt/rookery
ENV PATH=/opt/rookery/bin:$PATH PYTHONUNBUFFERED=1
USER rookery
WORKDIR /home/rookery
CMD ["rookery", "--help"]
