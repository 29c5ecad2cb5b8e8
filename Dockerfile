# One image for every role; the command says which. One process per container.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# mail and books: what the mail catcher and the sandbox write.
RUN useradd --system --uid 10001 --no-create-home milestone \
 && install -d -o milestone -g milestone /mail /books

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY milestone_engine milestone_engine
COPY mapping mapping
COPY config config
COPY sync sync
COPY sandbox sandbox
# aiosmtpd is for the mail catcher; the rest of the extra `embedded` has no place in a container.
RUN pip install -c constraints.txt . aiosmtpd && rm -rf /src/*

WORKDIR /
USER milestone
STOPSIGNAL SIGTERM
ENTRYPOINT []
CMD ["milestone-sync", "--help"]
