using ZeroOS.Bus.Sessions;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Node;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Docker.Nouns;

/// <summary>
/// Files of containers, as tar streams: docker cp. While one runs, each is one copy over a session of the bus; before its first start see
/// <see cref="StagedArchives"/>.
/// </summary>
internal sealed class Archives(DockerApi api)
{
    /// <summary>Bytes of an archive that are read to know its first entry: the entry's head, with all that tar writes before it.</summary>
    public const int MaxHeadBytes = 2 << 20;

    /// <summary>The type of an archive.</summary>
    public const string Tar = "application/x-tar";

    private const int CopyBytes = 64 << 10, WindowBytes = 4 << 20;

    private readonly StagedArchives _staged = new(api);

    /// <summary>HEAD /containers/{id}/archive</summary>
    public async Task StatAsync(DockerCall call)
    {
        (Container container, string path) = await PlaceAsync(call);
        if (container.IsUnstarted)
        {
            await StagedArchives.StatAsync(call, container, path);
            return;
        }
        Session copy = await BeginAsync(call, container, path, SessionKinds.CopyOut);
        await using (copy)
        {
            (TarEntry entry, _) = await FirstAsync(call, copy, path);
            call.SetHeader(PathStat.HeaderName, PathStat.Of(entry, path).Header);
            await copy.CloseAsync(SessionCloseReason.Cancelled);
        }
        await call.AnswerAsync(200);
    }

    /// <summary>GET /containers/{id}/archive</summary>
    public async Task ReadAsync(DockerCall call)
    {
        (Container container, string path) = await PlaceAsync(call);
        if (container.IsUnstarted)
        {
            await StagedArchives.ReadAsync(call, container, path);
            return;
        }
        Session copy = await BeginAsync(call, container, path, SessionKinds.CopyOut);
        await using (copy)
        {
            (TarEntry entry, ReadOnlyMemory<byte> head) = await FirstAsync(call, copy, path);
            call.SetHeader(PathStat.HeaderName, PathStat.Of(entry, path).Header);
            Stream answer = await call.BeginAsync(Tar);
            await answer.WriteAsync(head, call.Cancellation);
            byte[] buffer = new byte[CopyBytes];
            while (await copy.ReadAsync(CopySession.Output, buffer, call.Cancellation) is > 0 and int count)
                await answer.WriteAsync(buffer.AsMemory(0, count), call.Cancellation);
            await CopySession.RequireDoneAsync(copy, call.Cancellation);
        }
    }

    /// <summary>PUT /containers/{id}/archive; what is sent may be compressed by gzip.</summary>
    public async Task WriteAsync(DockerCall call)
    {
        (Container container, string path) = await PlaceAsync(call);
        if (container.IsUnstarted)
        {
            await _staged.WriteAsync(call, container, path);
            return;
        }
        Session copy = await BeginAsync(call, container, path, SessionKinds.CopyIn);
        await using (copy)
        {
            CopyTarget target = await CopySession.TargetAsync(copy, call.Cancellation);
            if (!target.IsThere)
                throw DockerFault.Missing($"Could not find the file {path} in container {call.Name}");
            if (!target.IsDirectory)
                throw DockerFault.Bad($"extraction point is not a directory: {path}");
            Task sending = SendAsync(call, copy);
            if (await Task.WhenAny(sending, copy.Ended) == sending)
                await sending;
            await CopySession.RequireDoneAsync(copy, call.Cancellation);
        }
        await call.AnswerAsync(200);
    }

    private async Task<(Container Container, string Path)> PlaceAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        string path = call.Query.Text("path") ?? throw DockerFault.Bad("path is not given");
        return (container, path[0] == '/' ? path : "/" + path);
    }

    private async Task<Session> BeginAsync(DockerCall call, Container container, string path, string kind)
    {
        if (!container.IsRunning)
            throw DockerFault.Conflict($"container {container.Id} is not running: its files can be copied only before its first start and while it runs");
        CopyBegin begin = new() { Path = path, KeepOwners = kind == SessionKinds.CopyIn };
        Session copy = await api.Node.AskAsync(n => n.CopyAsync(kind, container.Address, begin, call.Cancellation));
        _ = DrainAsync(copy);
        try
        {
            if (kind == SessionKinds.CopyOut)
                await copy.SetWindowAsync(CopySession.Output, WindowBytes);
        }
        catch (SessionException)
        {
            // whoever reads hears why
        }
        return copy;
    }

    // What a copy leaves out has no place in Docker's answers.
    private static async Task DrainAsync(Session copy)
    {
        await foreach (SessionEvent _ in copy.Events.ReadAllAsync())
            continue;
    }

    // The first entry, and all that was read to know it.
    private static async Task<(TarEntry Entry, ReadOnlyMemory<byte> Head)> FirstAsync(DockerCall call, Session copy, string path)
    {
        using MemoryStream head = new();
        byte[] buffer = new byte[CopyBytes];
        string why = "the machine sent nothing";
        long next = 1;
        bool ended = false;
        try
        {
            while (head.Length < MaxHeadBytes && !ended)
            {
                int count = await copy.ReadAsync(CopySession.Output, buffer, call.Cancellation);
                ended = count == 0;
                if (ended)
                    await CopySession.RequireDoneAsync(copy, call.Cancellation);
                head.Write(buffer, 0, count);
                // Looked at again only when it has doubled: a machine may send it byte by byte.
                if (head.Length < next && !ended)
                    continue;
                next = 2 * head.Length;
                byte[] read = head.ToArray();
                try
                {
                    if (new TarReader(new MemoryStream(read)).Next() is { } entry)
                        return (entry, read);
                }
                catch (TarException e)
                {
                    why = e.Message;    // it may only be cut
                }
            }
        }
        catch (SessionException e) when (e.Reason == SessionCloseReason.NotFound)
        {
            throw DockerFault.Missing($"Could not find the file {path} in container {call.Name}");
        }
        throw new SessionException(SessionCloseReason.Protocol, $"what the machine sends is no archive: {why}");
    }

    private static async Task SendAsync(DockerCall call, Session copy)
    {
        await using Stream plain = await call.PlainBodyAsync();
        byte[] buffer = new byte[CopyBytes];
        try
        {
            while (await plain.ReadAsync(buffer, call.Cancellation) is > 0 and int count)
                await copy.WriteAsync(CopySession.Input, buffer.AsMemory(0, count), call.Cancellation);
        }
        catch (InvalidDataException e)
        {
            throw DockerFault.Bad($"the archive is compressed and broken: {e.Message}");
        }
        await copy.EndAsync(CopySession.Input);
    }
}
