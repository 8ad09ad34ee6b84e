using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Contracts.Sessions;

/// <summary>Frames as bytes: what each type's body is, and that nothing else is taken.</summary>
public sealed class SessionFrameTests
{
    [Fact]
    public void Frame_is_read_as_it_was_written()
    {
        byte[] bytes = new byte[SessionFrame.HeadBytes + 2];
        new SessionFrame(0x01020304, SessionFrameType.Data, "hi"u8).Write(bytes);
        Assert.Equal("0403020102" + "6869", Convert.ToHexStringLower(bytes));
        Assert.True(SessionFrame.TryRead(bytes, out SessionFrame frame));
        Assert.Equal((0x01020304u, SessionFrameType.Data, 7), (frame.Channel, frame.Type, frame.Length));
        Assert.True(frame.Body.SequenceEqual("hi"u8));
    }

    [Fact]
    public void Bodies_say_what_was_put_into_them()
    {
        Assert.Equal(70_000u, new SessionFrame(0, SessionFrameType.Window, SessionFrame.CreditBody(70_000)).Credit);
        Assert.Equal((ushort)132, new SessionFrame(0, SessionFrameType.Resize, SessionFrame.SizeBody(132, 50)).Size.Columns);
        Assert.Equal((ushort)50, new SessionFrame(0, SessionFrameType.Resize, SessionFrame.SizeBody(132, 50)).Size.Rows);
        Assert.Equal(-1, new SessionFrame(1, SessionFrameType.Exit, SessionFrame.ExitBody(-1)).ExitCode);
        Assert.Equal(15, new SessionFrame(0, SessionFrameType.Signal, [15]).SignalNumber);
        SessionFrame close = new(3, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Refused, "no such file"));
        Assert.Equal(SessionCloseReason.Refused, close.Reason);
        Assert.Equal("no such file", close.Sentence);
        Assert.Equal("a child holds it", new SessionFrame(3, SessionFrameType.Note, SessionFrame.NoteBody("a child holds it")).Sentence);
    }

    [Fact]
    public void Sentences_are_cut_between_characters_and_unknown_reasons_are_faults_of_the_protocol()
    {
        byte[] body = SessionFrame.CloseBody(SessionCloseReason.Internal, new string('ä', 2000));
        Assert.Equal(2 + SessionLimits.SentenceBytes, body.Length);
        Assert.Equal(new string('ä', 512), new SessionFrame(0, SessionFrameType.Close, body).Sentence);
        Assert.Equal(SessionCloseReason.Protocol, new SessionFrame(0, SessionFrameType.Close, [0xff, 0x7f]).Reason);
    }

    [Theory]
    [InlineData(SessionFrameType.Begin, 0, 0u)]
    [InlineData(SessionFrameType.Begin, SessionLimits.BodyBytes + 1, 0u)]
    [InlineData(SessionFrameType.Data, 0, 0u)]
    [InlineData(SessionFrameType.Data, SessionLimits.BodyBytes + 1, 0u)]
    [InlineData(SessionFrameType.Data, 1, SessionFrame.SessionChannel)]
    [InlineData(SessionFrameType.Window, 3, 0u)]
    [InlineData(SessionFrameType.Window, 5, 0u)]
    [InlineData(SessionFrameType.Window, 4, SessionFrame.SessionChannel)]
    [InlineData(SessionFrameType.HalfClose, 1, 0u)]
    [InlineData(SessionFrameType.Close, 1, 0u)]
    [InlineData(SessionFrameType.Close, SessionLimits.SentenceBytes + 3, 0u)]
    [InlineData(SessionFrameType.Resize, 2, 0u)]
    [InlineData(SessionFrameType.Signal, 4, 0u)]
    [InlineData(SessionFrameType.Exit, 1, 0u)]
    [InlineData(SessionFrameType.KeepAlive, 0, 0u)]
    [InlineData(SessionFrameType.KeepAlive, 1, SessionFrame.SessionChannel)]
    [InlineData(SessionFrameType.Rekey, 0, 0u)]
    [InlineData(SessionFrameType.Note, SessionLimits.SentenceBytes + 1, 0u)]
    [InlineData((SessionFrameType)0, 0, 0u)]
    [InlineData((SessionFrameType)12, 0, 0u)]
    public void What_is_no_frame_is_not_read_and_cannot_be_made(SessionFrameType type, int bodyBytes, uint channel)
    {
        byte[] bytes = new byte[SessionFrame.HeadBytes + bodyBytes];
        BitConverter.TryWriteBytes(bytes, channel);
        bytes[4] = (byte)type;
        Assert.False(SessionFrame.TryRead(bytes, out _));
        Assert.Throws<ArgumentException>(() => new SessionFrame(channel, type, new byte[bodyBytes]).Length);
    }
}
