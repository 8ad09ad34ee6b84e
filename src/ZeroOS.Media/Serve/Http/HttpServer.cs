using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Media.Serve.Report;

namespace ZeroOS.Media.Serve.Http;

/// <summary>
/// Sends the files of a table by HTTP/1.1: GET, HEAD, one range, one request after another on a connection. It is this small because it has to be bound to one
/// interface, count what it sent, and need no more of HTTP than firmware speaks.
/// </summary>
internal sealed class HttpServer(Socket listener, BootFiles files, BootWatch watch)
{
    /// <summary>Connections at once.</summary>
    internal const int MaxConnections = 128;

    private const int PieceBytes = 64 << 10, MaxLeftBytes = 1 << 20;
    private static readonly TimeSpan s_headPatience = TimeSpan.FromSeconds(20), s_sendPatience = TimeSpan.FromSeconds(60), s_farewell = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _places = new(MaxConnections);

    /// <summary>Serves until cancelled. A connection beyond the most that are kept is closed at once; firmware asks again.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            Socket connection;
            try
            {
                connection = await listener.AcceptAsync(cancellation);
            }
            catch (OperationCanceledException)
            {
                break;
            }
            catch (SocketException)
            {
                continue; // it went away before it was let in
            }
            if (!await _places.WaitAsync(0, CancellationToken.None))
            {
                connection.Dispose();
                continue;
            }
            _ = Task.Run(async () =>
            {
                // Whatever ends a connection, its place is free again: otherwise a fault that can be repeated takes them all.
                try
                {
                    using (connection)
                        await SpeakAsync(connection, cancellation);
                }
                finally
                {
                    _places.Release();
                }
            }, CancellationToken.None);
        }
        for (int i = 0; i < MaxConnections; i++)
            await _places.WaitAsync(CancellationToken.None); // every connection has ended
    }

    private async Task SpeakAsync(Socket connection, CancellationToken cancellation)
    {
        try
        {
            byte[] buffer = new byte[HttpRequest.MaxHeadBytes];
            int filled = 0;
            while (true)
            {
                int end;
                while ((end = HttpRequest.EndOfHead(buffer.AsSpan(0, filled))) < 0)
                {
                    if (filled == buffer.Length)
                    {
                        await SayAsync(connection, "431 Request Header Fields Too Large", "", cancellation);
                        await HangUpAsync(connection, buffer, cancellation);
                        return;
                    }
                    using CancellationTokenSource timer = Timer(s_headPatience, cancellation);
                    int got = await connection.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None, timer.Token);
                    if (got == 0)
                        return;
                    filled += got;
                }
                if (!HttpRequest.TryRead(buffer.AsSpan(0, end), out HttpRequest request))
                {
                    await SayAsync(connection, "400 Bad Request", "", cancellation);
                    await HangUpAsync(connection, buffer, cancellation);
                    return;
                }
                await AnswerAsync(connection, request, cancellation);
                if (!request.KeepsAlive)
                {
                    await HangUpAsync(connection, buffer, cancellation);
                    return;
                }
                buffer.AsSpan(end, filled - end).CopyTo(buffer);
                filled -= end;
            }
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or UnauthorizedAccessException)
        {
            // It hung up, was too slow, or the server stops; what it was loading has been marked so.
        }
    }

    /// <summary>Closes so that the answer arrives: with something left unread the kernel would reset the connection and throw the answer away.</summary>
    private static async Task HangUpAsync(Socket connection, byte[] buffer, CancellationToken cancellation)
    {
        connection.Shutdown(SocketShutdown.Send);
        using CancellationTokenSource timer = Timer(s_farewell, cancellation);
        for (int left = MaxLeftBytes; left > 0;)
        {
            int got = await connection.ReceiveAsync(buffer, SocketFlags.None, timer.Token);
            if (got == 0)
                return;
            left -= got;
        }
    }

    private async Task AnswerAsync(Socket connection, HttpRequest request, CancellationToken cancellation)
    {
        IPAddress peer = ((IPEndPoint)connection.RemoteEndPoint!).Address;
        if (request.Method is not ("GET" or "HEAD"))
        {
            await SayAsync(connection, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", cancellation);
            return;
        }
        if (files.Find(request.Name) is not { } file)
        {
            watch.Refused(peer, request.Name, "HTTP");
            await SayAsync(connection, "404 Not Found", "", cancellation);
            return;
        }
        using BootContent content = file.Open();
        if (request.RangeOf(content.Length) is not { } range)
        {
            await SayAsync(connection, "416 Range Not Satisfiable", $"Content-Range: bytes */{content.Length}\r\n", cancellation);
            return;
        }
        bool part = request.From is not null;
        StringBuilder head = new();
        head.Append(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {(part ? "206 Partial Content" : "200 OK")}\r\nContent-Length: {range.Count}\r\nAccept-Ranges: bytes\r\n");
        head.Append(CultureInfo.InvariantCulture, $"Content-Type: {TypeOf(file.Name)}\r\nConnection: {(request.KeepsAlive ? "keep-alive" : "close")}\r\n");
        if (part)
            head.Append(CultureInfo.InvariantCulture, $"Content-Range: bytes {range.First}-{range.First + range.Count - 1}/{content.Length}\r\n");
        await SendAsync(connection, Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), cancellation);
        if (request.Method == "GET")
            await SendAsync(connection, file, content, range, watch.Begin(peer, file.Name, content.Length, "HTTP"), cancellation);
    }

    private static async Task SendAsync(Socket connection, BootFile file, BootContent content, (long First, long Count) range, BootDownload download,
        CancellationToken cancellation)
    {
        string? why = "it hung up";
        try
        {
            byte[] piece = new byte[Math.Min(PieceBytes, range.Count)];
            for (long done = 0; done < range.Count;)
            {
                int length = (int)Math.Min(piece.Length, range.Count - done);
                content.Read(range.First + done, piece.AsSpan(0, length));
                await SendAsync(connection, piece.AsMemory(0, length), cancellation);
                done += length;
                download.Bytes = range.First + done;
            }
            why = null;
        }
        catch (OperationCanceledException)
        {
            why = cancellation.IsCancellationRequested ? "the server was stopped" : "it took nothing for a minute";
            throw;
        }
        catch (IOException e)
        {
            why = $"{file.Name}: {e.Message}";
            throw;
        }
        finally
        {
            download.End(why);
        }
    }

    private static async Task SendAsync(Socket connection, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (!bytes.IsEmpty)
        {
            using CancellationTokenSource timer = Timer(s_sendPatience, cancellation);
            bytes = bytes[await connection.SendAsync(bytes, SocketFlags.None, timer.Token)..];
        }
    }

    private static Task SayAsync(Socket connection, string status, string headers, CancellationToken cancellation) =>
        SendAsync(connection, Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: 0\r\n{headers}\r\n"), cancellation);

    private static CancellationTokenSource Timer(TimeSpan patience, CancellationToken cancellation)
    {
        CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(patience);
        return timer;
    }

    /// <summary>UEFI HTTP boot goes by the type, or by the name's end (UEFI 2.10, 24.7.3.1).</summary>
    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".efi" => "application/efi",
        ".iso" => "application/vnd.efi-iso",
        ".img" => "application/vnd.efi-img",
        ".ipxe" => "text/plain",
        _ => "application/octet-stream",
    };
}
