/* SPDX-License-Identifier: BSD-3-Clause
 * A server that answers every HTTP request with what was asked: http_reply PORT. A request for
 * /quit ends it. One connection at a time, one request per connection. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads up to the empty line that ends a request's head; false: the client left. */
static int read_head(int client, char *head, size_t size)
{
    size_t used = 0;
    while (used < size - 1) {
        ssize_t n = recv(client, head + used, size - 1 - used, 0);
        if (n <= 0)
            return 0;
        used += (size_t)n;
        head[used] = '\0';
        if (strstr(head, "\r\n\r\n") || strstr(head, "\n\n"))
            return 1;
    }
    return 1;
}

static void answer(int client, const char *path, const char *word)
{
    char body[1200], whole[1400];
    int length = snprintf(body, sizeof body, "%s %s\n", word, path);
    int total =
        snprintf(whole, sizeof whole,
                 "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
                 length, body);
    if (send(client, whole, (size_t)total, MSG_NOSIGNAL) < 0)
        perror("send");
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080, one = 1, go_on = 1;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((unsigned short)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server, 16) != 0) {
        perror("http_reply");
        return 1;
    }
    printf("listening on %d\n", port);
    fflush(stdout);
    while (go_on) {
        char head[4096], path[1024];
        int client = accept(server, NULL, NULL);
        if (client < 0)
            continue;
        if (read_head(client, head, sizeof head) && sscanf(head, "%*s %1023s", path) == 1) {
            go_on = strcmp(path, "/quit") != 0;
            answer(client, path, go_on ? "you asked" : "bye");
        }
        close(client);
    }
    return 0;
}
