# Takes what `make dist` made; build it on Debian 12 or older, whose C library this image has.
#   docker build -t flasky . && docker run -p 3000:3000 -v flasky:/home/nonroot -e PUBLIC_URL=… flasky
FROM gcr.io/distroless/cc-debian12:nonroot
COPY dist/flasky /usr/bin/flasky
# The store is made in the working directory, which is the user's own.
WORKDIR /home/nonroot
VOLUME /home/nonroot
ENV HOST=0.0.0.0
EXPOSE 3000
ENTRYPOINT ["/usr/bin/flasky"]
