namespace ZeroOS.Contracts.Monitor;

/// <summary>How the guest kernel of the image is started. The node starts every machine so, and the bench measures exactly that.</summary>
public static class GuestKernel
{
    /// <summary>
    /// Its command line: it speaks on the serial port only when it must, and a reset or a panic ends it at once (the monitor sees the triple
    /// fault). One UART and no keyboard controller, because probing for more is most of its boot time.
    /// </summary>
    public const string CommandLine = "console=ttyS0 quiet reboot=t panic=-1 8250.nr_uarts=1 i8042.noaux i8042.nomux i8042.dumbkbd";
}
