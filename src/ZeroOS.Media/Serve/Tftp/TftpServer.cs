using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

using ZeroOS.Media.Serve.Report;

namespace ZeroOS.Media.Serve.Tftp;

/// <summary>
/// Sends files of a table to who asks on port 69, each over a socket of its own (RFC 1350, section 4). Read only; a name is looked up and never becomes a path.
/// Only computers of the interface's own networks are answered: the address of a request proves nothing, and a request is much smaller than what it causes.
/// </summary>
internal sealed class TftpServer(Socket socket, ServeSockets sockets, BootFiles files, BootWatch watch, Func<IPAddress, bool> isNear, int maxBlockBytes,
    TimeProvider clock)
{
    private const int MaxTransfers = 64, MaxTransfersOfOne = 4;

    private readonly ConcurrentDictionary<IPEndPoint, Task> _transfers = new();

    /// <summary>Serves until cancelled; returns when every transfer has ended.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        byte[] buffer = new byte[TftpRequest.MaxBytes + 1];
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult got = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), cancellation);
                await AnswerAsync(buffer.AsMemory(0, got.ReceivedBytes), (IPEndPoint)got.RemoteEndPoint, cancellation);
            }
            catch (SocketException)
            {
                // An earlier answer bounced (ICMP), or the datagram was larger than any request.
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        await Task.WhenAll(_transfers.Values);
    }

    private async Task AnswerAsync(ReadOnlyMemory<byte> datagram, IPEndPoint peer, CancellationToken cancellation)
    {
        if (!isNear(peer.Address) || _transfers.ContainsKey(peer))
            return; // from elsewhere; or the same request again, whose answer is on its way
        if (!TftpRequest.TryRead(datagram.Span, out TftpRequest request, out TftpError error))
        {
            if (error != TftpError.None)
            {
                string why = error == TftpError.AccessViolation ? "this server is read only" : "only octet reads";
                await socket.SendToAsync(TftpErrors.Write(error, why), peer, cancellation);
            }
            return;
        }
        if (files.Find(request.FileName) is not { } file)
        {
            watch.Refused(peer.Address, request.FileName, "TFTP");
            await socket.SendToAsync(TftpErrors.Write(TftpError.NotFound, "no such file"), peer, cancellation);
            return;
        }
        if (_transfers.Count >= MaxTransfers || _transfers.Keys.Count(p => p.Address.Equals(peer.Address)) >= MaxTransfersOfOne)
            return; // it asks again
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _transfers[peer] = done.Task;
        _ = Task.Run(async () =>
        {
            try
            {
                await SendAsync(request, file, peer, cancellation);
            }
            finally
            {
                _transfers.TryRemove(peer, out Task? _);
                done.SetResult();
            }
        }, CancellationToken.None);
    }

    private async Task SendAsync(TftpRequest request, BootFile file, IPEndPoint peer, CancellationToken cancellation)
    {
        using Socket own = sockets.Udp(((IPEndPoint)socket.LocalEndPoint!).Address, 0, "TFTP transfer");
        BootDownload? download = null;
        try
        {
            await own.ConnectAsync(peer, cancellation); // nobody else's datagrams arrive from here on
            using BootContent content = file.Open();
            TftpTransfer transfer = new(request, content, maxBlockBytes);
            download = watch.Begin(peer.Address, file.Name, content.Length, "TFTP");
            download.End(await RunAsync(transfer, own, download, cancellation));
        }
        catch (OperationCanceledException)
        {
            download?.End("the server was stopped");
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            download ??= watch.Begin(peer.Address, file.Name, 0, "TFTP");
            download.End(e.Message);
            try
            {
                own.Send(TftpErrors.Write(TftpError.None, "the server cannot send it"));
            }
            catch (SocketException)
            {
                // It listens no more, and was told as well as could be.
            }
        }
        finally
        {
            download?.End("the server failed"); // counts only for a fault that nobody foresaw: what is still shown as on its way would be so for ever
        }
    }

    /// <summary>Runs a transfer to its end; null when all of it was acknowledged, else why not.</summary>
    private async Task<string?> RunAsync(TftpTransfer transfer, Socket own, BootDownload download, CancellationToken cancellation)
    {
        byte[] datagram = new byte[TftpTransfer.HeaderBytes + Math.Max(transfer.BlockBytes, TftpRequest.MaxBytes)], heard = new byte[TftpRequest.MaxBytes];
        long deadline = clock.GetTimestamp() + Ticks(transfer.Timeout);
        while (true)
        {
            while (transfer.Next(datagram) is > 0 and int length)
                await own.SendAsync(datagram.AsMemory(0, length), SocketFlags.None, cancellation);
            TimeSpan left = clock.GetElapsedTime(clock.GetTimestamp(), deadline);
            if (left <= TimeSpan.Zero || await HearAsync(own, heard, left, cancellation) is not int received)
            {
                if (!transfer.Retry())
                    return "it stopped answering";
                deadline = clock.GetTimestamp() + Ticks(transfer.Timeout);
                continue;
            }
            long before = transfer.DoneBytes;
            TftpState state = transfer.Receive(heard.AsSpan(0, received));
            if (transfer.DoneBytes != before || state != TftpState.Going)
                (download.Bytes, deadline) = (transfer.DoneBytes, clock.GetTimestamp() + Ticks(transfer.Timeout));
            if (state == TftpState.Done)
                return null;
            if (state == TftpState.Aborted)
                return transfer.DoneBytes == 0 ? BootDownload.OnlyAsked : "it wanted no more";
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * clock.TimestampFrequency);

    private static async Task<int?> HearAsync(Socket own, byte[] buffer, TimeSpan patience, CancellationToken cancellation)
    {
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(patience);
        try
        {
            return await own.ReceiveAsync(buffer, SocketFlags.None, timer.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.MessageSize)
        {
            return 0; // larger than any answer: nothing was said
        }
    }
}
