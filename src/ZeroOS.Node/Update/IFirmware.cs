using ZeroOS.Formats.Efi;

namespace ZeroOS.Node.Update;

/// <summary>What an update asks of the firmware.</summary>
internal interface IFirmware
{
    /// <summary>
    /// Makes or replaces the boot entry of trials; nothing starts it yet. Called before anything is written, so that a firmware that refuses does so in time.
    /// </summary>
    /// <exception cref="UpdateException">firmware-refuses.</exception>
    void Prepare(LoadOption option);

    /// <summary>The next boot, and only that one, starts the prepared entry.</summary>
    /// <exception cref="UpdateException">firmware-refuses.</exception>
    void BootOnce();

    /// <summary>
    /// Takes the entry and the wish away; what is not there is not an error, and a refusal changes nothing: the entry stands in no boot order.
    /// </summary>
    void Forget();
}
