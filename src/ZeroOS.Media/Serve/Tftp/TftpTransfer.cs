using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace ZeroOS.Media.Serve.Tftp;

/// <summary>How a transfer stands after what was heard.</summary>
internal enum TftpState
{
    /// <summary>There is more to send, or to wait for.</summary>
    Going,

    /// <summary>The last block was acknowledged.</summary>
    Done,

    /// <summary>The client said it wants no more; firmware does that once it knows the length.</summary>
    Aborted,
}

/// <summary>
/// One file on its way to one client: which datagram comes next, what an answer means, what is sent again after silence. It knows no sockets and no clock.
/// Block numbers are counted on beyond 65,535 and go around on the wire, as every client of large files expects.
/// </summary>
internal sealed class TftpTransfer
{
    /// <summary>Before the data of a block.</summary>
    public const int HeaderBytes = 4;

    /// <summary>A window is bounded: what one small request makes us send must stay small.</summary>
    public const int MaxWindowBlocks = 64;

    private const int MaxTries = 6;
    private readonly BootContent _content;
    private readonly byte[]? _options;
    private readonly long _lastBlock;
    private long _acknowledged, _sent;
    private bool _optionsSent, _optionsAcknowledged;
    private int _tries;

    /// <summary>Blocks are at most <paramref name="maxBlockBytes"/>: those that need no fragments on this network.</summary>
    public TftpTransfer(TftpRequest request, BootContent content, int maxBlockBytes)
    {
        _content = content;
        BlockBytes = Math.Min(request.BlockBytes ?? TftpRequest.PlainBlockBytes, Math.Max(maxBlockBytes, TftpRequest.PlainBlockBytes));
        WindowBlocks = Math.Min(request.WindowBlocks ?? 1, MaxWindowBlocks);
        Timeout = TimeSpan.FromSeconds(request.TimeoutSeconds ?? 1);
        _lastBlock = (content.Length / BlockBytes) + 1;
        _options = request.HasOptions ? Options(request) : null;
        _optionsAcknowledged = _options is null;
    }

    /// <summary>Bytes of a block.</summary>
    public int BlockBytes { get; }

    /// <summary>Blocks in a window.</summary>
    public int WindowBlocks { get; }

    /// <summary>Silence after which the last window is sent again.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>Bytes the client has acknowledged.</summary>
    public long DoneBytes => Math.Min(_acknowledged * BlockBytes, _content.Length);

    /// <summary>The next datagram that may be sent now; 0 when an answer has to come first.</summary>
    /// <exception cref="IOException">The file cannot be read any more.</exception>
    public int Next(Span<byte> datagram)
    {
        if (!_optionsAcknowledged)
        {
            if (_optionsSent)
                return 0;
            _optionsSent = true;
            _options.CopyTo(datagram);
            return _options!.Length;
        }
        if (_sent == _lastBlock || _sent - _acknowledged >= WindowBlocks)
            return 0;
        long offset = _sent * BlockBytes;
        int length = (int)Math.Min(BlockBytes, _content.Length - offset);
        datagram[0] = 0;
        datagram[1] = (byte)TftpOpcode.Data;
        _content.Read(offset, datagram.Slice(HeaderBytes, length));
        BinaryPrimitives.WriteUInt16BigEndian(datagram[2..], (ushort)++_sent);
        return HeaderBytes + length;
    }

    /// <summary>Takes what the client sent; what makes no sense changes nothing.</summary>
    public TftpState Receive(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < HeaderBytes || datagram[0] != 0)
            return TftpState.Going;
        if (datagram[1] == (byte)TftpOpcode.Error)
            return TftpState.Aborted;
        if (datagram[1] != (byte)TftpOpcode.Acknowledgement)
            return TftpState.Going;
        ushort block = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        if (!_optionsAcknowledged)
        {
            if (block == 0 && _optionsSent)
                (_optionsAcknowledged, _tries) = (true, 0);
            return TftpState.Going;
        }
        int forward = (ushort)(block - (ushort)_acknowledged);
        // An acknowledgement that says nothing new is not answered: two hosts that do answer send everything twice until the end (RFC 1123, 4.2.3.1).
        if (forward == 0 || forward > _sent - _acknowledged)
            return TftpState.Going;
        _acknowledged += forward;
        _sent = _acknowledged; // one in the middle of a window means that the next was lost: go on behind it (RFC 7440, 4)
        _tries = 0;
        return _acknowledged == _lastBlock ? TftpState.Done : TftpState.Going;
    }

    /// <summary>Nothing was heard for <see cref="Timeout"/>: the window is to be sent again. False when it was sent often enough.</summary>
    public bool Retry()
    {
        _sent = _acknowledged;
        _optionsSent = false;
        return ++_tries < MaxTries;
    }

    private byte[] Options(TftpRequest request)
    {
        StringBuilder text = new();
        void Say(string name, long value) => text.Append(CultureInfo.InvariantCulture, $"{name}\0{value}\0");
        if (request.BlockBytes is not null)
            Say("blksize", BlockBytes);
        if (request.AsksLength)
            Say("tsize", _content.Length);
        if (request.TimeoutSeconds is int seconds)
            Say("timeout", seconds);
        if (request.WindowBlocks is not null)
            Say("windowsize", WindowBlocks);
        return [0, (byte)TftpOpcode.OptionsAcknowledgement, .. Encoding.ASCII.GetBytes(text.ToString())];
    }
}
