namespace ZeroOS.Tests.Repository.Limits;

/// <summary>What a program of the same user can multiply that speaks to zos docker, and a guest that it copies from. Nobody else reaches it.</summary>
internal static class DockerLimits
{
    internal static readonly Limit[] Rows =
    [
        new(
            "body of a request to zos docker, and its head where the connection is taken over",
            "a program of its user",
            "1 MiB, 16 KiB",
            "x connections",
            "413 with a sentence; the connection ends",
            "DockerCall.MaxBodyBytes, RequestHead.MaxBytes",
            "DockerServerTests.Body_that_is_too_long_is_413"),
        new(
            "what zos docker reads of an archive to know its first entry",
            "a guest",
            "2 MiB",
            "x connections",
            "the copy ends with a sentence",
            "Archives.MaxHeadBytes",
            "DockerArchiveTests.Machine_that_sends_heads_without_end_is_an_error"),
        new(
            "what zos docker reads of an archive that is put into a container before its first start, not compressed; files of it",
            "a program of its user",
            "1 MiB; 64, 256 KiB",
            "x connections",
            "400 with a sentence",
            "StagedArchives.MaxArchiveBytes, StagedFiles.MaxFiles, StagedFiles.MaxBytes",
            "DockerStagedFilesTests.Files_are_few_and_small_and_no_more_of_an_archive_is_read"),
        new(
            "ports of the workstation's loopback at which zos docker listens",
            "a program of its user, another workstation with the same key",
            "64 of one container that the node does not publish",
            "256",
            "the creation is refused; a start that needs one fails; of one that is published a line is written",
            "LocalPort.MostOfContainer, PortListeners.Most",
            "DockerPortTests.Ports_here_beyond_the_most_fail_the_start_and_of_one_container_its_creation"),
        new(
            "connections of the workstation that zos forward and zos docker carry, each with 256 KiB on their way",
            "programs of the workstation",
            "64 a session; 64 more wait at each port to be taken",
            "x sessions",
            "they wait",
            "PortForwarder.Most, ForwardListener.Backlog",
            "ForwardVerbTests.Connection_beyond_the_most_waits_until_another_ends"),
        new(
            "sessions by which zos docker carries connections",
            "programs of the workstation",
            "one a container, closed after 30 s without a connection",
            "32, an eighth of those of a key",
            "the connection is closed and a line is written",
            "PortListeners.MostSessions",
            "LazySessionTests.Session_beyond_the_most_is_refused_until_another_is_closed"),
        new(
            "connections to zos docker; second programs, removed containers, sizes of terminals, images that it remembers; events that wait for a client",
            "a program of its user",
            "512; 256, 256, 256, 128; 1,024",
            "the same: it has one user",
            "the connection is closed; the oldest is forgotten; the client's stream ends",
            "DockerServer.MaxConnections, Exec.Remembered, AutoRemoval.Remembered, Terminals.Remembered, ImageStore.Remembered, DockerEvents.Waiting",
            "-"),
    ];
}
