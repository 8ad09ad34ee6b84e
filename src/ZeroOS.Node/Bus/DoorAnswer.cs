using System.Buffers.Binary;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Doors;
using ZeroOS.Linux;

namespace ZeroOS.Node.Bus;

/// <summary>
/// One answer on its way to a door: its pieces leave as the door returns what it has passed on, so that nobody who reads slowly costs more than a window.
/// </summary>
internal sealed class DoorAnswer(DoorConnection link, uint id)
{
    private const int SwitchingProtocols = 101;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _cancel = new();
    private int _window = DoorLimits.WindowBytes;
    private TaskCompletionSource? _room;
    private TaskCompletionSource<FileDescriptor>? _connection;

    /// <summary>The number the door gave it.</summary>
    public uint Id => id;

    /// <summary>It goes on until the asker leaves.</summary>
    public bool IsStream { get; private set; }

    /// <summary>Cancelled when nobody waits for the answer any more.</summary>
    public CancellationToken Token => _cancel.Token;

    /// <summary>Nobody waits for it any more.</summary>
    public void Cancel() => _cancel.Cancel();

    /// <summary>The door passed so many bytes on; false when it was never sent as many.</summary>
    public bool Credit(int bytes)
    {
        lock (_lock)
        {
            _window += bytes;
            _room?.TrySetResult();
            return _window <= DoorLimits.WindowBytes;
        }
    }

    /// <summary>Says how the answer begins.</summary>
    public void Begin(int status, Decision? decision, bool stream = false)
    {
        IsStream = stream;
        SendBegin(status, (byte)((decision?.Proven == true ? DoorMessage.ProvenFlag : 0) | (stream ? DoorMessage.StreamFlag : 0)));
    }

    /// <summary>
    /// Says that the asker gets a session, and waits at most <paramref name="patience"/> for the connection, which the caller then owns.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the door does not hand it over.</exception>
    public async Task<FileDescriptor> TakeConnectionAsync(Decision decision, TimeSpan patience)
    {
        TaskCompletionSource<FileDescriptor> connection = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
            _connection = connection;
        byte flags = (byte)(DoorMessage.HandFlag | (decision.Proven ? DoorMessage.ProvenFlag : 0));
        SendBegin(SwitchingProtocols, flags);
        try
        {
            return await connection.Task.WaitAsync(patience, Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            lock (_lock)
                _connection = null;
            if (connection.Task.IsCompletedSuccessfully)
                connection.Task.Result.Dispose();   // it came in the last moment
            throw new OperationCanceledException("the connection was not handed over", e);
        }
    }

    /// <summary>Gives the connection to who waits for it, once; false: nobody does.</summary>
    public bool TryHand(FileDescriptor connection)
    {
        lock (_lock)
        {
            bool taken = _connection?.TrySetResult(connection) == true;
            _connection = null;
            return taken;
        }
    }

    /// <summary>Sends one envelope and the end of its line; ends when the last piece has left for the door.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or nothing was taken for a minute.</exception>
    public async ValueTask WriteLineAsync(ReadOnlyMemory<byte> envelope, CancellationToken cancellation)
    {
        byte[] line = [.. envelope.Span, (byte)'\n'];
        for (int at = 0; at < line.Length;)
        {
            int length = Math.Min(line.Length - at, DoorLimits.PieceBytes);
            await TakeRoomAsync(length, cancellation).ConfigureAwait(false);
            link.Send(new DoorMessage(DoorVerb.Piece, 0, id).With(line.AsSpan(at, length)));
            at += length;
        }
    }

    /// <summary>Says that the answer has ended; nothing may follow.</summary>
    public void End(bool whole) => link.Send(new DoorMessage(DoorVerb.End, whole ? (byte)0 : DoorMessage.CutFlag, id).With([]));

    private void SendBegin(int status, byte flags)
    {
        Span<byte> body = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(body, (ushort)status);
        link.Send(new DoorMessage(DoorVerb.Begin, flags, id).With(body));
    }

    private async ValueTask TakeRoomAsync(int bytes, CancellationToken cancellation)
    {
        while (true)
        {
            Task room;
            lock (_lock)
            {
                if (_window >= bytes)
                {
                    _window -= bytes;
                    return;
                }
                _room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _room.Task;
            }
            try
            {
                await room.WaitAsync(s_patience, cancellation).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                throw new OperationCanceledException("the answer was not taken");
            }
        }
    }
}
