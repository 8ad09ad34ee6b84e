using System.Collections.Concurrent;
using System.Text.Json;

using ZeroOS.Flist;
using ZeroOS.Linux;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Images.Fetch;

/// <summary>The half that speaks with registries: each request is one manifest or one range of a blob, and several run at once.</summary>
internal sealed class RegistryServer(SeqPacketSocket node)
{
    private const int MaxClients = 16, MaxRange = 16 << 20;

    private readonly ConcurrentDictionary<uint, CancellationTokenSource> _running = new();
    private readonly Dictionary<FetchRequest, RegistryClient> _clients = [];
    private readonly Lock _gate = new(), _sending = new();

    /// <summary>Serves until the node is gone or stops making sense.</summary>
    public void Run()
    {
        byte[] message = new byte[SeqPacketSocket.MaxMessage];
        while (node.TryReceive(message, out int length, out FileDescriptor[] descriptors) == Errno.None)
        {
            foreach (FileDescriptor descriptor in descriptors)
                descriptor.Dispose();
            if (!FetchMessage.TryRead(message.AsSpan(0, length), out uint id, out FetchVerb verb, out ReadOnlySpan<byte> payload))
                break;
            if (verb == FetchVerb.Cancel)
                Cancel(id);
            if (verb != FetchVerb.Get || JsonSerializer.Deserialize(payload, FetchJson.Default.FetchRequest) is not { } request)
                continue;
            CancellationTokenSource cancel = new(FetchDeadline.Of(Math.Clamp(request.Length, 0, MaxRange)));
            CancellationToken cancelled = cancel.Token;
            if (_running.TryAdd(id, cancel))
                _ = Task.Run(() => ServeAsync(id, request, cancelled));
        }
        foreach (uint id in _running.Keys)
            Cancel(id);
    }

    // Whoever takes a source out of the table, this or the end of its request, is the only one that touches it from then on.
    private void Cancel(uint id)
    {
        if (!_running.TryRemove(id, out CancellationTokenSource? source))
            return;
        using (source)
            source.Cancel();
    }

    private async Task ServeAsync(uint id, FetchRequest request, CancellationToken cancellation)
    {
        try
        {
            RegistryClient client = Client(request);
            if (!Sha256Digest.TryParse(request.Digest, out Sha256Digest digest) || request.Length is <= 0 or > MaxRange || request.Offset < 0)
                throw new RegistryException(RegistryFailure.Invalid, "the request is out of bounds");
            if (request.Manifest)
                Send(id, (await client.GetManifestAsync(request.Repository, request.Digest, request.Length, cancellation).ConfigureAwait(false)).Bytes);
            else
                await client.ReadBlobAsync(request.Repository, digest, request.Offset, request.Length, bytes => Send(id, bytes.Span),
                    cancellation).ConfigureAwait(false);
            lock (_sending)
                FetchMessage.TrySend(node, id, FetchVerb.Done, []);
        }
        catch (RegistryException e)
        {
            lock (_sending)
                FetchMessage.TrySendFailure(node, id, e.Failure, e.Message);
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for the answer, or the registry took too long.
            lock (_sending)
                FetchMessage.TrySendFailure(node, id, RegistryFailure.Unreachable, "the registry is too slow");
        }
        catch (Exception e)
        {
            // Whatever a registry's answer broke, the request is answered and the others go on.
            lock (_sending)
                FetchMessage.TrySendFailure(node, id, RegistryFailure.Invalid, e.Message);
        }
        finally
        {
            if (_running.TryRemove(id, out CancellationTokenSource? cancel))
                cancel.Dispose();
        }
    }

    private void Send(uint id, ReadOnlySpan<byte> bytes)
    {
        lock (_sending)
        {
            if (!FetchMessage.TrySendData(node, id, bytes))
                throw new OperationCanceledException("the node is gone");
        }
    }

    // Connections and tokens are kept per registry, repository and credentials, so that no tenant's token ever serves another's request.
    private RegistryClient Client(FetchRequest request)
    {
        FetchRequest key = request with { Digest = "", Manifest = false, Offset = 0, Length = 0 };
        lock (_gate)
        {
            if (_clients.TryGetValue(key, out RegistryClient? client))
                return client;
            if (!Uri.TryCreate(request.Url, UriKind.Absolute, out Uri? url))
                throw new RegistryException(RegistryFailure.Invalid, $"\"{request.Url}\" is not a URL");
            client = new RegistryClient(url, request.PlainHttp, request.Credentials);
            // One tenant's, and one registry's: the process is nobody else's. A dropped client may still be serving; its connections end when idle.
            if (_clients.Count >= MaxClients)
                _clients.Clear();
            return _clients[key] = client;
        }
    }
}
